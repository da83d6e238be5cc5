# A fleet host has no power.
# host: machine
# blind: *[*fleet-2*] !release-is-on-main[fleet-fleet-2] fleet-runs-one-release each-worker-has-its-own-id haproxy-sees-all-workers
#   capacity-adds-up[*] exactly-one-dialler-per-database[vox] database-sees-one-dialler[vox]
# cause: fleet-2: could not look (unreachable)
# follow: by hand, its power is for who has the machine
inject() { lab off fleet-2; }
landed() { ! lab exec fleet-2 true; }
mend() { lab on fleet-2; }
