# An account that may log in, and does nothing yet: no rule has a word about it, and no release, package or entry brought it.
# host: fleet-2
# violated: what-changed-since-done-is-explained[fleet-2]
# entry: [estate]
# entry: changes = ["fleet-2"]
# follow: by hand, whoever made it says what it is for
inject() { useradd --create-home --shell /bin/bash support; }
landed() { getent passwd support >/dev/null; }
mend() { userdel --remove support 2>/dev/null; }
