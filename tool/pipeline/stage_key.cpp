#include "pipeline/stage_key.hpp"

#include "base/hash.hpp"
#include "pipeline/checkpoint.hpp"

namespace mstage::pipeline {

std::vector<engine::ImageCopy> present_copies(const Plan& plan, const Stage& stage) {
    std::vector<engine::ImageCopy> copies;
    for (const StageCopy& copy : stage.copies) {
        const Plan owner = copy.plan ? read_plan(*copy.plan) : plan;
        copies.push_back(
            {.image = get_checkpoint(owner, copy.checkpoint).image,
             .path = copy.path,
             .destination = copy.destination,
             .name = fmt::format("{}.{}:{}", owner.pipeline, copy.checkpoint, copy.path)});
    }
    return copies;
}

Json stage_key_parts(const Plan& plan, const Stage& stage, const std::string& engine,
                     const engine::ImageId& parent, const std::string& inputs_digest,
                     const std::vector<engine::ImageCopy>& copies) {
    Json parts = {
        {"format", engine::k_format_version},
        {"engine", engine},
        {"parent", parent.str()},
        {"command", stage.command},
        {"environment", task_environment(stage)},
        {"workdir", stage.workdir},
        {"source_workdir", plan.workdir},
        {"network", stage.network},
        {"inputs", inputs_digest},
    };
    // Only where there are any: keys of stages without them stay what they were.
    if (!stage.user.empty()) {
        parts["user"] = stage.user;
    }
    for (const engine::Cache& cache : stage.caches) {
        parts["caches"][cache.path] = cache.id;
    }
    for (const SecretSource& secret : stage.secrets) {
        parts["secrets"].push_back(secret.id);
    }
    for (const engine::ImageCopy& copy : copies) {
        parts["copies"].push_back(
            {{"image", copy.image.str()}, {"path", copy.path}, {"destination", copy.destination}});
    }
    return parts;
}

std::string stage_key(const Json& parts) {
    // nlohmann's objects are sorted by name, so equal parts are equal text. Bytes that are no UTF-8
    // must not be replaced here: they would make different commands equal.
    const std::vector<std::uint8_t> bytes = Json::to_cbor(parts);
    return sha256_hex({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

std::map<std::string, std::string> task_environment(const Task& task) {
    std::map<std::string, std::string> environment = task.environment;
    environment.emplace("MSTAGE_STAGE", task.name);
    return environment;
}

}  // namespace mstage::pipeline
