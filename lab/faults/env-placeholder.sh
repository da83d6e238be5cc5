# A setting still has the value of the template.
# host: api-1
# violated: env-file-is-complete[backend-api-1]
# follow: mends
# edit: cat /run/fault/kept/opt/vox-backend/.env >"$file"
ENV=/opt/vox-backend/.env
inject() {
	keep $ENV
	sed -i 's/^JWT_SECRET=.*/JWT_SECRET=change-me/' $ENV
	well voxbridge 8080
}
landed() { grep -q change-me $ENV && get /health 8080; }
mend() {
	back $ENV
	well voxbridge 8080
}
