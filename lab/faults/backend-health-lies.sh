# Something else answers in the backend's place: 200, JSON, and a status that says ok.
# host: api-1
# violated: backend-health-is-clean[api-1-voxbridge] process-is-the-new-code[api-1-voxbridge]
#   backend-reaches-its-stores[backend-api-1] only-expected-listeners[api-1]
#   answers-come-from-the-unit[api-1-voxbridge]
# cause: is answered by process
# follow: by hand, what leads its port elsewhere in the kernel is for whoever put it there
inject() {
	echo '{"status": "ok"}' | page 8080 /health
	forged 8080
}
landed() { is_forged 8080 && get /health 8080 | grep -q '^{"status": "ok"}$'; }
mend() { unforged 8080; }
