# A dialler copied to another folder on another host, run by hand as another user, with another name for the database.
# host: machine
# violated: database-sees-one-dialler[vox]
#   only-expected-listeners[fleet-1]
# cause: and calls itself as the fleet does, but is not in a unit of it
# follow: mends
inject() {
	copy_dialler fleet-1 /home/deploy/x vox-agents
	run_by_hand fleet-1 /home/deploy/x/.venv/bin/python /home/deploy/x/run.py 9999
}
landed() { ticks fleet-1 9999; }
left() { lab exec fleet-1 rm -rf /home/deploy/x; }
mend() {
	end_by_hand fleet-1
	lab exec fleet-1 rm -r /home/deploy/x
}
