/// A message that a person wrote, for the case `elsewhere`: it can do less than a printed one.
#[derive(Clone, PartialEq, jovian_runtime::codegen::v1::prost::Message)]
#[prost(prost_path = "::jovian_runtime::codegen::v1::prost")]
pub struct Point {
    /// How far to the right.
    #[prost(int32, tag = "1")]
    pub x: i32,
}

// The case `selectors` leaves it to a person.
impl std::fmt::Debug for selectors::selectors::v1::blob::Part {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a part")
    }
}
