/** Commands for a shell to evaluate, as ssh-agent(1) prints them. */

export type Shell = "sh" | "csh";

/** What programs find the agent by. */
export interface AgentVariables {
  readonly SSH_AUTH_SOCK: string;
  readonly SSH_AGENT_PID: string;
}

/** Sets the variables for the programs that the shell starts; one line each. */
export function setCommands(variables: AgentVariables, shell: Shell): string {
  return Object.entries(variables)
    .map(([name, text]) => {
      const value = quoted(text);
      return shell === "csh" ? `setenv ${name} ${value};\n` : `${name}=${value}; export ${name};\n`;
    })
    .join("");
}

/** Takes them away again. */
export function unsetCommands(shell: Shell): string {
  const command = shell === "csh" ? "unsetenv" : "unset";
  return `${command} SSH_AUTH_SOCK;\n${command} SSH_AGENT_PID;\n`;
}

/** One word for sh, bash and zsh, in single quotes. */
export function shQuoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** One word for fish, in single quotes. */
export function fishQuoted(text: string): string {
  return `'${text.replaceAll(/[\\']/g, "\\$&")}'`;
}

/** As it is where every shell takes it as one word, else in single quotes; csh wants `!` escaped inside them too. */
function quoted(text: string): string {
  if (/^[\w@%+=:,./-]+$/.test(text)) return text;
  return shQuoted(text).replaceAll("!", "'\\!'");
}
