use super::journal::PlanDigest;

/// Whether a person has a say in what a run deletes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Consent {
    /// Nobody need be asked.
    #[default]
    Given,
    /// The run marks, writes down what it would delete, and deletes nothing.
    Asked,
    /// Of what is ripe only that may go which this plan names, exactly as it was then.
    Approved(PlanDigest),
}
