# A secret of the backend stands among the arguments of a process: every account of the host can read it.
# host: api-1
# violated: no-secret-leaks[backend-api-1]
# follow: by hand, a secret that was seen is changed at its issuer
inject() { detached worker bash -c 'while sleep 1; do :; done' "--token=$(sed -n 's/^JWT_SECRET=//p' /opt/vox-backend/.env)"; }
landed() { lives worker; }
mend() { ended worker; }
