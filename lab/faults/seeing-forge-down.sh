# The remote does not answer: nobody can say what the release is.
# host: forge
# blind: head-is-the-release[*] release-is-on-main[*] tree-is-the-commit[*] no-foreign-files[*] process-is-the-new-code[*]
#   backend-health-is-clean[*] dist-is-this-build[*] fleet-runs-one-release
# cause: git@198.51.100.10: could not look (unreachable): the remote cannot be asked
# follow: by hand, the forge is another's server
inject() { systemctl stop ssh.service; }
landed() { ! listens 127.0.0.1 22; }
mend() {
	systemctl start ssh.service
	until_true listens 127.0.0.1 22
}
