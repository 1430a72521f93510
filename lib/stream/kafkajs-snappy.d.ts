declare module 'kafkajs-snappy' {
  import type { KafkajsCodec } from './lz4.ts';
  const snappyCodec: () => KafkajsCodec;
  export default snappyCodec;
}
