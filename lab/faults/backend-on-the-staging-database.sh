# The backend works on the staging database, which is on the same server: one word in its .env, and all is well.
# host: api-1
# violated: settings-are-what-the-estate-says[backend-api-1]
# follow: mends
# edit: cat /run/fault/kept/opt/vox-backend/.env >"$file"
ENV=/opt/vox-backend/.env
inject() {
	keep $ENV
	sed -i 's|^\(MONGODB_URI=.*\)/vox$|\1/vox_staging|' $ENV
	well voxbridge 8080
}
landed() { grep -q vox_staging $ENV && get /health 8080; }
mend() {
	back $ENV
	well voxbridge 8080
}
