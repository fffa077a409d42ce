/* Logs in with libssh and the agent: libssh-login PORT USER COMMAND. Prints what the command prints. */

#include <stdio.h>
#include <stdlib.h>

#include <libssh/libssh.h>

static int fail(ssh_session session, const char *what)
{
    fprintf(stderr, "%s: %s\n", what, ssh_get_error(session));
    return 1;
}

int main(int argc, char **argv)
{
    if (argc != 4)
        return 2;
    unsigned int port = (unsigned int)atoi(argv[1]);
    ssh_session session = ssh_new();
    if (session == NULL)
        return 1;
    ssh_options_set(session, SSH_OPTIONS_HOST, "127.0.0.1");
    ssh_options_set(session, SSH_OPTIONS_PORT, &port);
    ssh_options_set(session, SSH_OPTIONS_USER, argv[2]);
    if (ssh_connect(session) != SSH_OK)
        return fail(session, "connect");
    if (ssh_userauth_agent(session, NULL) != SSH_AUTH_SUCCESS)
        return fail(session, "log in with the agent");
    ssh_channel channel = ssh_channel_new(session);
    if (channel == NULL || ssh_channel_open_session(channel) != SSH_OK)
        return fail(session, "open a channel");
    if (ssh_channel_request_exec(channel, argv[3]) != SSH_OK)
        return fail(session, "run the command");
    char buffer[4096];
    int count;
    while ((count = ssh_channel_read(channel, buffer, sizeof buffer, 0)) > 0)
        fwrite(buffer, 1, (size_t)count, stdout);
    int status = count < 0 ? fail(session, "read") : ssh_channel_get_exit_status(channel);
    ssh_channel_close(channel);
    ssh_channel_free(channel);
    ssh_disconnect(session);
    ssh_free(session);
    return status;
}
