//! Signs a deployment for one visitor, on your server. The page passes the result to accredit.init as `signed_deployment`.
//!
//!     DEPLOYMENT_KEY="$(cat key.jwk)" cargo run -- DEPLOYER_ID INTEGRATION_ID OWNER_ID [UID]
use std::error::Error;
use std::time::{SystemTime, UNIX_EPOCH};

use openssl::bn::BigNum;
use openssl::ec::{EcGroup, EcKey};
use openssl::ecdsa::EcdsaSig;
use openssl::nid::Nid;
use openssl::pkey::Private;
use openssl::{base64, sha::sha512};
use serde_json::{json, Value};

/// `uid`: your user; `None` for an anonymous visit. The token is good for five minutes.
pub fn sign_deployment(
    key: &EcKey<Private>,
    deployer_id: &str,
    integration_id: &str,
    owner_id: &str,
    uid: Option<&str>,
) -> Result<String, Box<dyn Error>> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let mut properties =
        json!({"deployer_id": deployer_id, "integration_id": integration_id, "owner_id": owner_id});
    if let Some(uid) = uid {
        properties["uid"] = json!(uid);
    }
    (properties["iat"], properties["exp"]) = (json!(now), json!(now + 300));
    let header = json!({"alg": "ES512"});
    let signing_input = format!(
        "{}.{}",
        encode(header.to_string()),
        encode(properties.to_string())
    );
    let signature = EcdsaSig::sign(&sha512(signing_input.as_bytes()), key)?;
    // RFC 7518 section 3.4: r and s side by side, 66 bytes each.
    let raw = [
        signature.r().to_vec_padded(66)?,
        signature.s().to_vec_padded(66)?,
    ]
    .concat();
    Ok(format!("{signing_input}.{}", encode(raw)))
}

/// The key of a private JWK on P-521.
pub fn read_key(private_jwk: &str) -> Result<EcKey<Private>, Box<dyn Error>> {
    let jwk: Value = serde_json::from_str(private_jwk)?;
    let group = EcGroup::from_curve_name(Nid::SECP521R1)?;
    let (d, x, y) = (number(&jwk, "d")?, number(&jwk, "x")?, number(&jwk, "y")?);
    let public = EcKey::from_public_key_affine_coordinates(&group, &x, &y)?;
    Ok(EcKey::from_private_components(
        &group,
        &d,
        public.public_key(),
    )?)
}

fn number(jwk: &Value, name: &str) -> Result<BigNum, Box<dyn Error>> {
    let text = jwk[name].as_str().ok_or("not a private JWK")?;
    let padding = "=".repeat((4 - text.len() % 4) % 4);
    let octets = base64::decode_block(&(text.replace('-', "+").replace('_', "/") + &padding))?;
    Ok(BigNum::from_slice(&octets)?)
}

fn encode(octets: impl AsRef<[u8]>) -> String {
    base64::encode_block(octets.as_ref())
        .trim_end_matches('=')
        .replace('+', "-")
        .replace('/', "_")
}

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let (deployer_id, integration_id, owner_id, uid) = match args.as_slice() {
        [deployer_id, integration_id, owner_id] => (deployer_id, integration_id, owner_id, None),
        [deployer_id, integration_id, owner_id, uid] => {
            (deployer_id, integration_id, owner_id, Some(uid.as_str()))
        }
        _ => return Err("usage: sign DEPLOYER_ID INTEGRATION_ID OWNER_ID [UID]".into()),
    };
    let key = read_key(&std::env::var("DEPLOYMENT_KEY")?)?;
    println!(
        "{}",
        sign_deployment(&key, deployer_id, integration_id, owner_id, uid)?
    );
    Ok(())
}
