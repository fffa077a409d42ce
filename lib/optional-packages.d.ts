/** The packages that npm may have left out: what is used of them, so that the types hold without them too. */

declare module "pcsclite" {
  const createClient: import("./card/pcsclite-client.ts").CreateLiteClient;
  // biome-ignore lint/style/noDefaultExport: so the package exports it
  export default createClient;
}

declare module "keytar" {
  interface Keytar {
    getPassword(service: string, account: string): Promise<string | null>;
    setPassword(service: string, account: string, password: string): Promise<void>;
    deletePassword(service: string, account: string): Promise<boolean>;
  }

  const keytar: Keytar;
  // biome-ignore lint/style/noDefaultExport: so Node shows its CommonJS exports
  export default keytar;
}
