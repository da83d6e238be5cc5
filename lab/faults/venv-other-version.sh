# Another version of Pipecat is in the environment of one fleet host than the one that was pinned and locked.
# host: fleet-2
# violated: venv-is-the-lock[fleet-fleet-2] pipecat-is-pinned[fleet-fleet-2] process-is-the-new-code[fleet-2-*] fleet-runs-one-release
#   site-packages-are-intact[fleet-fleet-2]
# cause: has pipecat-ai 1.13.0, the pin is 1.14.0
# follow: as release-file-edited-in-place
SITE=/opt/vox-agents/.venv/lib/python3.13/site-packages
inject() {
	sed -i 's/^Version: 1.14.0/Version: 1.13.0/' $SITE/pipecat_ai-1.14.0.dist-info/METADATA
	mv $SITE/pipecat_ai-1.14.0.dist-info $SITE/pipecat_ai-1.13.0.dist-info
}
landed() { /opt/vox-agents/.venv/bin/python -c 'from importlib.metadata import version; assert version("pipecat-ai") == "1.13.0"'; }
mend() {
	mv $SITE/pipecat_ai-1.13.0.dist-info $SITE/pipecat_ai-1.14.0.dist-info
	sed -i 's/^Version: 1.13.0/Version: 1.14.0/' $SITE/pipecat_ai-1.14.0.dist-info/METADATA
	fleet_well
}
