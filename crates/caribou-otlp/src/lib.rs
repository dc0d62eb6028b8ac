//! OTLP and the foreign span conventions, to and from the rollout model.
