# The programs of backups, from Debian's packages: restic, borg, rsync. What runs them is a job, and another thing.
# host: data
# common: most hosts with data
inject() { package restic borgbackup rsync; }
landed() { restic version && borg --version && rsync --version; }
mend() { package_gone restic borgbackup rsync; }
