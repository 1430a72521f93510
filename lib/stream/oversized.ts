/** The one reason for which a well-formed batch is refused. */
import { BadEventError } from '../base/errors.ts';

/** A batch decodes to more bytes than allowed. */
export class OversizedError extends BadEventError {
  constructor(codec: string, bytesMax: number) {
    super(`Cannot decompress a ${codec} batch: expected at most ${bytesMax} bytes, it holds more`);
  }
}
