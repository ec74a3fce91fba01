//! RSA-2048 signatures alone: what an exchange that makes one cannot go below.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use rustix::time::{ClockId, Timespec, clock_gettime};

/// As long as a token of the exchange without its signature.
const MESSAGE: [u8; 330] = [b'x'; 330];

/// CPU time of one signature, in µs, from as many as fit in the time.
pub(super) fn signature_us(key: &RsaKeyPair, time: Duration) -> Result<f64> {
    let (random, mut signature) = (SystemRandom::new(), vec![0; key.public_modulus_len()]);
    let (start, cpu_start) = (Instant::now(), thread_time());
    let mut signatures = 0_u32;
    while start.elapsed() < time {
        key.sign(&RSA_PKCS1_SHA256, &random, &MESSAGE, &mut signature).context("the key does not sign")?;
        signatures += 1;
    }
    Ok((thread_time() - cpu_start) * 1e6 / f64::from(signatures.max(1)))
}

/// In seconds.
fn thread_time() -> f64 {
    let Timespec { tv_sec, tv_nsec } = clock_gettime(ClockId::ThreadCPUTime);
    tv_sec as f64 + tv_nsec as f64 / 1e9
}
