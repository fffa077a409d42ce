/** What `demo` says, in any language. */

export interface DemoTexts {
  readonly intro: string;
  cardReady(comment: string): string;
  agentReady(socket: string): string;
  /** `key` is the line of authorized_keys. */
  keyExported(key: string): string;
  serverReady(host: string, port: number): string;
  /** What the server says to who logged in; one line. */
  greeting(user: string): string;
  /** Before the login: what runs. */
  loggingIn(command: string): string;
  pinEntered(pin: string, triesLeft: number | undefined): string;
  /** What the server said to the user who logged in. */
  loggedIn(greeting: string): string;
  readonly end: string;
  /** The login failed; `reason` is what the client said. */
  failed(reason: string): string;
}
