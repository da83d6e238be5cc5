# The data host was given an address of the internet: the stores, bound to every address, answer there too.
# host: data
# violated: stores-are-private[data]
# follow: by hand, which addresses the host has is for who runs its network
inject() { ip address add 8.8.4.4/32 dev host0; }
landed() { listens 8.8.4.4 6379; }
mend() { ip address del 8.8.4.4/32 dev host0; }
