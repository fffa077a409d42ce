/** Commands for a shell to evaluate, as ssh-agent(1) prints them. */

/** Sets SSH_AUTH_SOCK for the programs that the shell starts. */
export function authSockCommand(socketPath: string, shell: "sh" | "csh"): string {
  const value = quoted(socketPath);
  return shell === "csh" ? `setenv SSH_AUTH_SOCK ${value};\n` : `SSH_AUTH_SOCK=${value}; export SSH_AUTH_SOCK;\n`;
}

/** As it is where every shell takes it as one word, else in single quotes; csh wants `!` escaped inside them too. */
function quoted(text: string): string {
  if (/^[\w@%+=:,./-]+$/.test(text)) return text;
  return `'${text.replaceAll("'", "'\\''").replaceAll("!", "'\\!'")}'`;
}
