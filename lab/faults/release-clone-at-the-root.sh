# A second checkout of the backend, where nobody keeps code: in a folder right below the root.
# host: api-1
# violated: one-copy-only[api-1]
# follow: mends
inject() {
	install -d -o deploy -g deploy /app
	as_deploy git clone -q /opt/vox-backend /app
}
landed() { [ -s /app/pyproject.toml ] && [ -d /app/.git ]; }
mend() { rm -r /app; }
