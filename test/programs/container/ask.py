"""ask.py ADDRESS COUNT: connects so often, one after the other, to a path or a port of 127.0.0.1; prints each answer or error."""
import socket, sys, time

address, count = sys.argv[1], int(sys.argv[2])
for _ in range(count):
    try:
        unix = address.startswith("/")
        with socket.socket(socket.AF_UNIX if unix else socket.AF_INET) as client:
            client.settimeout(10)
            client.connect(address if unix else ("127.0.0.1", int(address)))
            print(client.makefile().readline().strip() or "nothing", flush=True)
    except OSError as error:
        print(type(error).__name__, flush=True)
    time.sleep(0.002)
