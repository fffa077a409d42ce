"""Logs in with paramiko and the agent: paramiko-login.py PORT USER COMMAND. Prints what the command prints."""

import sys

import paramiko

port, user, command = sys.argv[1:]
(key,) = paramiko.Agent().get_keys()
transport = paramiko.Transport(("127.0.0.1", int(port)))
transport.start_client(timeout=20)
transport.auth_publickey(user, key)
channel = transport.open_session()
channel.exec_command(command)
with channel.makefile("rb") as output:
    sys.stdout.buffer.write(output.read())
status = channel.recv_exit_status()
transport.close()
sys.exit(status)
