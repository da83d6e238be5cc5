# pip and venv for the system's Python, from Debian's packages; supervisor, with nothing to run.
# host: fleet-2
# common: many hosts
inject() { package python3-pip python3-venv supervisor; }
landed() { pip --version && supervisorctl status; }
mend() { package_gone python3-pip python3-venv supervisor; }
