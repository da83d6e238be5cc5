# The registry counts two workers that nobody has, one with a slot and one with less than none: the sum is right.
# host: data
# violated: capacity-adds-up[*]
# follow: mends
# fill: KEY=vox:workers:fleet-9/{1,2}
inject() {
	redis-cli set vox:workers:fleet-9/1 '{"calls": 0, "commit": "x", "id": "fleet-9/1", "max": 1}'
	redis-cli set vox:workers:fleet-9/2 '{"calls": 0, "commit": "x", "id": "fleet-9/2", "max": -1}'
}
landed() { [ "$(redis-cli exists vox:workers:fleet-9/1 vox:workers:fleet-9/2)" = 2 ]; }
mend() { redis-cli del vox:workers:fleet-9/1 vox:workers:fleet-9/2; }
