# The pin of Pipecat was loosened on one fleet host: the next install takes what is newest.
# host: fleet-2
# violated: tree-is-the-commit[fleet-fleet-2] pipecat-is-pinned[fleet-fleet-2] venv-is-the-lock[fleet-fleet-2]
#   process-is-the-new-code[fleet-2-*]
# cause: /opt/vox-agents/pyproject.toml differs from the commit
# follow: as release-file-edited-in-place
inject() { sed -i 's/"pipecat-ai==/"pipecat-ai>=/' /opt/vox-agents/pyproject.toml; }
landed() { grep -q 'pipecat-ai>=' /opt/vox-agents/pyproject.toml; }
mend() {
	as_deploy git -C /opt/vox-agents checkout -q -- pyproject.toml
	fleet_well
}
