//! The one thing of EXIF that a picture needs: which side is up (CIPA DC-008, tag 0x0112).

/// Orientation of a picture that is stored as it is seen.
pub(super) const UPRIGHT: u8 = 1;

/// The Orientation of a block of EXIF, with or without its `Exif\0\0` in front; 1 when it is not there
/// or none of the eight.
pub(super) fn orientation(block: &[u8]) -> u8 {
    let tiff = block.strip_prefix(b"Exif\0\0").unwrap_or(block);
    find(tiff)
        .filter(|value| (1..=8).contains(value))
        .map_or(UPRIGHT, |value| value as u8)
}

fn find(tiff: &[u8]) -> Option<u16> {
    let little = match tiff.get(..4)? {
        b"II*\0" => true,
        b"MM\0*" => false,
        _ => return None,
    };
    let short = |at: usize| {
        let bytes = tiff.get(at..at.checked_add(2)?)?.try_into().ok()?;
        Some(if little {
            u16::from_le_bytes(bytes)
        } else {
            u16::from_be_bytes(bytes)
        })
    };
    let bytes = tiff.get(4..8)?.try_into().ok()?;
    let first = if little {
        u32::from_le_bytes(bytes)
    } else {
        u32::from_be_bytes(bytes)
    };
    let first = usize::try_from(first).ok()?;
    let entries = usize::from(short(first)?);
    (0..entries).find_map(|index| {
        let entry = first.checked_add(2 + 12 * index)?;
        let is_orientation = short(entry)? == 0x0112 && short(entry + 2)? == 3;
        is_orientation.then(|| short(entry + 8)).flatten()
    })
}

/// A block of EXIF that says nothing but the Orientation.
pub(super) fn only(orientation: u8) -> [u8; 26] {
    let mut block = *b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\0\0\0\0\0\0\0";
    block[19] = orientation;
    block
}

/// Width and height as seen.
pub(super) const fn seen(width: u32, height: u32, orientation: u8) -> (u32, u32) {
    if orientation >= 5 {
        (height, width)
    } else {
        (width, height)
    }
}

/// Where the pixel that is seen at (x, y) is stored; `width` and `height` are those of the store.
pub(super) const fn stored(
    x: u32,
    y: u32,
    (width, height): (u32, u32),
    orientation: u8,
) -> (u32, u32) {
    match orientation {
        2 => (width - 1 - x, y),
        3 => (width - 1 - x, height - 1 - y),
        4 => (x, height - 1 - y),
        5 => (y, x),
        6 => (y, height - 1 - x),
        7 => (width - 1 - y, height - 1 - x),
        8 => (width - 1 - y, x),
        _ => (x, y),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_shortest_block_says_its_orientation() {
        for value in 1..=8 {
            assert_eq!(orientation(&only(value)), value);
            assert_eq!(
                orientation(&[&b"Exif\0\0"[..], &only(value)].concat()),
                value
            );
        }
        assert_eq!(orientation(&only(9)), UPRIGHT);
        let little = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";
        assert_eq!(orientation(little), 6);
    }

    #[test]
    fn six_is_a_quarter_turn_clockwise() {
        // Stored: A B      Seen: C A
        //         C D            D B
        let stored_at = |x, y| {
            b"ABCD"[{
                let (x, y) = stored(x, y, (2, 2), 6);
                (y * 2 + x) as usize
            }]
        };
        assert_eq!(
            [
                stored_at(0, 0),
                stored_at(1, 0),
                stored_at(0, 1),
                stored_at(1, 1)
            ],
            *b"CADB"
        );
    }

    proptest! {
        #[test]
        fn blocks_of_anything_are_read(block in proptest::collection::vec(any::<u8>(), 0..80)) {
            prop_assert!((1..=8).contains(&orientation(&block)));
            let framed = [&b"MM\0*"[..], &block].concat();
            prop_assert!((1..=8).contains(&orientation(&framed)));
        }

        #[test]
        fn every_pixel_is_seen_once(width in 1u32..7, height in 1u32..7, orientation in 1u8..=8) {
            let (wide, high) = seen(width, height, orientation);
            let mut all: Vec<_> = (0..high).flat_map(|y| (0..wide).map(move |x| stored(x, y, (width, height), orientation))).collect();
            prop_assert!(all.iter().all(|(x, y)| *x < width && *y < height));
            all.sort_unstable();
            all.dedup();
            prop_assert_eq!(all.len() as u32, width * height);
        }
    }
}
