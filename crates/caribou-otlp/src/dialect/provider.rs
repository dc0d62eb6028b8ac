//! Names of model providers.

use std::borrow::Cow;

/// What conventions, instrumentations and their versions call one provider, and its name in OpenTelemetry.
const ALIASES: [(&str, &str); 17] = [
    ("vertex_ai", "gcp.vertex_ai"),
    ("vertexai", "gcp.vertex_ai"),
    ("google.vertex", "gcp.vertex_ai"),
    ("gemini", "gcp.gemini"),
    ("google.generative-ai", "gcp.gemini"),
    ("az.ai.inference", "azure.ai.inference"),
    ("az.ai.openai", "azure.ai.openai"),
    ("azure", "azure.ai.openai"),
    ("azure-openai", "azure.ai.openai"),
    ("xai", "x_ai"),
    ("bedrock", "aws.bedrock"),
    ("aws", "aws.bedrock"),
    ("amazon-bedrock", "aws.bedrock"),
    ("watsonx", "ibm.watsonx.ai"),
    ("mistral", "mistral_ai"),
    ("mistralai", "mistral_ai"),
    ("moonshot", "moonshot_ai"),
];

/// Interfaces that the AI SDK puts behind a provider's name, as in `openai.chat`.
const INTERFACES: [&str; 6] = [
    ".chat",
    ".responses",
    ".completion",
    ".messages",
    ".embedding",
    ".textEmbedding",
];

/// The provider's name in OpenTelemetry; an unknown one in lower case.
pub(crate) fn usual_name<'a>(name: &str) -> Cow<'a, str> {
    let name = name.trim();
    let name = INTERFACES
        .iter()
        .find_map(|interface| name.strip_suffix(interface))
        .unwrap_or(name)
        .to_lowercase();
    match ALIASES.iter().find(|(alias, _)| *alias == name) {
        Some((_, usual)) => Cow::Borrowed(usual),
        None => Cow::Owned(name),
    }
}
