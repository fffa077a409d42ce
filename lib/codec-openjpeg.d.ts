/** The part of OpenJPEG compiled to WebAssembly that photo-png.ts uses; the package has no types of its own. */
declare module "@cornerstonejs/codec-openjpeg/decodewasmjs" {
  interface FrameInfo {
    readonly width: number;
    readonly height: number;
    readonly bitsPerSample: number;
    readonly componentCount: number;
    readonly isSigned: boolean;
  }

  interface J2KDecoder {
    /** Room for the encoded image in the module's memory: a view, good until the next call. */
    getEncodedBuffer(length: number): Uint8Array;
    /** Reports no failure: nothing is decoded then, and the frame has no size (observed with 1.3.6). */
    decode(): void;
    /** A view, good until the next call. */
    getDecodedBuffer(): Uint8Array;
    getFrameInfo(): FrameInfo;
  }

  interface OpenJpeg {
    readonly J2KDecoder: new () => J2KDecoder;
  }

  interface OpenJpegOptions {
    /** One line of what the library has to say. */
    readonly print: (line: string) => void;
    readonly printErr: (line: string) => void;
  }

  const load: (options: OpenJpegOptions) => Promise<OpenJpeg>;
  // biome-ignore lint/style/noDefaultExport: so the package exports it
  export default load;
}
