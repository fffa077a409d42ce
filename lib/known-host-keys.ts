/** Which hosts a host key belongs to, as far as the user's known_hosts say: the port behind prompts and policy. */

export interface KnownHostKeys {
  /** The names it goes by, without repeats; hashed names cannot be read. */
  namesOf(hostKeyBlob: Uint8Array): readonly string[];
  /**
   * Whether it belongs to a host of the list: names and patterns, `!` excludes, hashed names are recognised. `*` without
   * an exclusion is any host, known or not.
   */
  isOneOf(hostKeyBlob: Uint8Array, hosts: readonly string[]): boolean;
}
