# A setting that nobody knows in the backend's .env: of whose doing it is, and what it changes, no page says.
# host: api-1
# violated: env-file-holds-what-is-known[backend-api-1]
# follow: mends
# edit: sed -i '/^OPENAI_BASE_URL=/d' "$file"
ENV=/opt/vox-backend/.env
inject() {
	keep $ENV
	echo 'OPENAI_BASE_URL=https://models.example' >>$ENV
	well voxbridge 8080
}
landed() { grep -q OPENAI_BASE_URL $ENV; }
mend() {
	back $ENV
	well voxbridge 8080
}
