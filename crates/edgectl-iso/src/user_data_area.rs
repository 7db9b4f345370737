//! The place of user data on an image: a fixed size, so that it can be
//! replaced later without touching anything else.

use crate::error::IsoError;

/// User data, filled up to `room` bytes with newlines, which every YAML reader
/// takes as they are.
pub fn padded_user_data(user_data: &[u8], room: u64) -> Result<Vec<u8>, IsoError> {
    let bytes = user_data.len() as u64;
    let too_large = || IsoError::UserDataTooLarge { bytes, room };
    let room_here = usize::try_from(room).map_err(|_| too_large())?;
    if user_data.len() >= room_here {
        return Err(too_large());
    }
    let mut padded = user_data.to_vec();
    padded.resize(room_here, b'\n');
    Ok(padded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fills_up_and_refuses_too_much() {
        assert_eq!(padded_user_data(b"a: 1", 8).unwrap(), b"a: 1\n\n\n\n");
        let error = padded_user_data(b"12345678", 8).unwrap_err();
        assert!(error.to_string().contains("raise `iso.userDataKib`"), "{error}");
    }
}
