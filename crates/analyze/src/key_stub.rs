//! stub
use authtrace_parse::SecretStr;
/// ring
#[derive(Default)]
pub struct KeyRing;
impl KeyRing {
    /// a
    pub fn add_secret(&mut self, _: &str, _: authtrace_parse::Secret) {}
}
/// r
pub struct KeyResult {
    /// n
    pub name: String,
    /// v
    pub verified: bool,
}
impl KeyRing {
    /// e
    pub fn is_empty(&self) -> bool {
        true
    }
    /// t
    pub fn twins(&self) -> Vec<(String, String)> {
        Vec::new()
    }
    /// v
    pub fn verify(&self, _: SecretStr<'_>) -> Vec<KeyResult> {
        Vec::new()
    }
}
