/**
 * What the data of a sign request is. Only the first two kinds are what a personal key signs; the others are told apart
 * so that a refusal can say what was refused. The shapes cannot be mistaken for one another.
 */

import { ByteReader } from "../bytes.ts";
import { JpkiError, messageOf } from "../errors.ts";
import { decodeSshsig, type SshsigData } from "./sshsig.ts";
import { decodeUserauth, type UserauthRequest } from "./userauth.ts";
import { MAX_NAME_BYTES } from "./wire.ts";

export type SignData =
  | UserauthRequest
  | SshsigData
  /** A certificate that an authority is to sign (`ssh-keygen -U -s`). */
  | { readonly kind: "certificate"; readonly type: string }
  /** An SSH server's proof that it holds a new host key. */
  | { readonly kind: "host-key-proof" }
  /** 32, 48 or 64 bytes without a form: an SSH server's key exchange (`HostKeyAgent`), or anyone's challenge. */
  | { readonly kind: "bare-hash"; readonly bytes: number }
  /** Anything else, with the fault if it began like one of the first two. */
  | { readonly kind: "unknown"; readonly bytes: number; readonly fault: string | undefined };

const HOST_KEY_PROOF = "hostkeys-prove-00@openssh.com";
const HASH_LENGTHS: ReadonlySet<number> = new Set([32, 48, 64]);

/** Never throws. Arrays in the value are views of `data`. */
export function describeSignData(data: Uint8Array): SignData {
  try {
    const known = decodeSshsig(data) ?? decodeUserauth(data);
    if (known !== null) return known;
  } catch (error) {
    // Broken data is a kind of data here: the caller refuses it with the fault as the reason.
    if (!(error instanceof JpkiError)) throw error;
    return { kind: "unknown", bytes: data.length, fault: messageOf(error) };
  }
  const name = firstString(data);
  if (name.endsWith("-cert-v01@openssh.com")) return { kind: "certificate", type: name };
  if (name === HOST_KEY_PROOF) return { kind: "host-key-proof" };
  if (HASH_LENGTHS.has(data.length)) return { kind: "bare-hash", bytes: data.length };
  return { kind: "unknown", bytes: data.length, fault: undefined };
}

/** The name that the data begins with; empty if it begins with none. */
function firstString(data: Uint8Array): string {
  try {
    return new ByteReader(data, "data").text("name", MAX_NAME_BYTES);
  } catch (error) {
    // Data without a name is what this is asked about.
    if (!(error instanceof JpkiError)) throw error;
    return "";
  }
}
