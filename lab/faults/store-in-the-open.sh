# The data host's Redis can also be reached by a second port, which the estate does not know.
# host: data
# violated: stores-are-private[data] only-expected-listeners[data]
CONFIG=/etc/redis/redis.conf
inject() { redis-cli config set port 6380; }
landed() { redis-cli -p 6380 ping | grep -q PONG; }
mend() { redis-cli -p 6380 config set port 6379; }
