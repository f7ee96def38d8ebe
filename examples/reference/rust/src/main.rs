//! Signs which user of yours a page is about, on your server. The page passes the result to Flow as `user.signature`.
//!
//!     REFERENCE_SECRET=... cargo run -- CUSTOMER_REFERENCE
//!
//! Sign for the user who is signed in, and for nobody else: one signature is good for this reference alone, and for good.
use std::error::Error;

use openssl::{base64, hash::MessageDigest, pkey::PKey, sign::Signer};

/// `customer_reference`: exactly as the page passes it, unique and for good; at most 255 bytes.
pub fn sign_reference(secret: &str, customer_reference: &str) -> Result<String, Box<dyn Error>> {
    // A line break in it could make the signature one of an API request.
    let unfit = |letter: char| letter.is_control() || matches!(letter, '\u{2028}' | '\u{2029}');
    if !(1..=255).contains(&customer_reference.len()) || customer_reference.contains(unfit) {
        return Err("that is no customer reference".into());
    }
    let key = PKey::hmac(read_secret(secret)?)?;
    let mac = Signer::new(MessageDigest::sha256(), &key)?
        .sign_oneshot_to_vec(customer_reference.as_bytes())?;
    Ok(base64::encode_block(&mac))
}

/// The key is the text as it was shown, with all that it begins with.
fn read_secret(secret: &str) -> Result<&[u8], Box<dyn Error>> {
    let octets = secret.as_bytes();
    if !(32..=128).contains(&octets.len()) || !octets.iter().all(u8::is_ascii_graphic) {
        return Err("that is not the secret".into());
    }
    Ok(octets)
}

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let customer_reference = match args.as_slice() {
        [customer_reference] => customer_reference,
        _ => return Err("usage: sign CUSTOMER_REFERENCE".into()),
    };
    let secret = std::env::var("REFERENCE_SECRET")?;
    println!("{}", sign_reference(&secret, customer_reference)?);
    Ok(())
}
