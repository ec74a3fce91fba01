//! Code outside the engine cannot construct an `Admitted`.

use locum_engine::delegation::{Admitted, Authenticated};

fn forge(authenticated: Authenticated<'_>) -> Admitted<'_> {
    Admitted { authenticated }
}

fn main() {}
