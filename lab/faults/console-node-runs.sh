# A development server of the console runs on the API host.
# host: api-1
# violated: no-node-runs[api-1]
# follow: mends
inject() { detached node node -e 'setInterval(() => 0, 1000)'; }
landed() { [ "$(basename "$(readlink "/proc/$(pid_of node)/exe")")" = node ]; }
mend() { ended node; }
