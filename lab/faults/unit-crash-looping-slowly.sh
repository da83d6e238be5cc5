# The backend died and systemd started it again, a while before both looks: nothing restarts between them.
# host: api-1
# violated: nothing-restarts-during-the-bake[api-1-voxbridge]
# follow: by hand, its log says why it dies, and no command
inject() {
	systemctl kill --signal=KILL voxbridge
	until_true landed
	until_true get /health 8080
}
landed() { [ "$(systemctl show -P NRestarts voxbridge)" -gt 0 ]; }
mend() { well voxbridge 8080; }
