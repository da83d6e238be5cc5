"""What each store is asked, and how long it may take to answer."""

CHECK_SECONDS = 4.0  # a store on a busy machine is slow, and not away; the gate waits 5 s for the page
MONGODB_COMMAND = "ping"
LIVEKIT_PATH = "/"
