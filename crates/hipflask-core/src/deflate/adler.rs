//! The checksum at the end of zlib's format.

const MODULUS: u32 = 65_521;
const LANES: usize = 16;
/// How many bytes can be summed before the sums could exceed 32 bits.
const SAFE: usize = 5_536;

/// Returns the Adler-32 of all of `data`.
pub(super) fn adler32(data: &[u8]) -> u32 {
    let (mut sum, mut sums) = (1, 0);
    for part in data.chunks(SAFE) {
        let rows = part.chunks_exact(LANES);
        let (n_summed, rest) = (part.len() - rows.remainder().len(), rows.remainder());
        // Each column is summed on its own, so that the machine does all of them at once.
        let (mut columns, mut weighted) = ([0; LANES], [0; LANES]);
        for row in rows {
            for ((byte, column), weighted) in row.iter().zip(&mut columns).zip(&mut weighted) {
                *column += u32::from(*byte);
                *weighted += *column;
            }
        }
        sums += sum * n_summed as u32;
        for (at, (column, weighted)) in (0..).zip(columns.iter().zip(&weighted)) {
            sum += column;
            sums += weighted * LANES as u32 - column * at;
        }
        for byte in rest {
            sum += u32::from(*byte);
            sums += sum;
        }
        sum %= MODULUS;
        sums %= MODULUS;
    }
    sums << 16 | sum
}
