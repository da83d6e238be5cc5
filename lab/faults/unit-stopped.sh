# The backend is stopped.
# host: api-1
# violated: unit-is-active[api-1-voxbridge] process-is-the-new-code[api-1-voxbridge] runs-as-its-user[api-1-voxbridge]
#   backend-health-is-clean[api-1-voxbridge]
#   process-is-the-venvs[api-1-voxbridge] backend-reaches-its-stores[backend-api-1]
# cause: unit is active [api-1-voxbridge]: api-1: voxbridge.service is inactive/dead
# follow: mends
inject() { systemctl stop voxbridge; }
landed() { ! get /health 8080; }
mend() { well voxbridge 8080; }
