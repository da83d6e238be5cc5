# The backend has another LiveKit key than the fleet and the dialler: rooms are opened in one place, and joined in another.
# host: api-1
# violated: settings-are-the-same-everywhere[backend-api-1]
# follow: mends
# edit: cat /run/fault/kept/opt/vox-backend/.env >"$file"
ENV=/opt/vox-backend/.env
inject() {
	keep $ENV
	sed -i 's/^LIVEKIT_API_KEY=.*/LIVEKIT_API_KEY=APIof-another-project-0123/' $ENV
	well voxbridge 8080
}
landed() { grep -q of-another-project $ENV && get /health 8080; }
mend() {
	back $ENV
	well voxbridge 8080
}
