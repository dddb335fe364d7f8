#include "store/cache.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "base/hash.hpp"
#include "base/path_text.hpp"
#include "base/text.hpp"

namespace mstage::store {

namespace {

constexpr size_t k_longest_id = 128;
constexpr size_t k_longest_slug = 64;

bool is_id_letter(char c) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    return letter || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

/// For people the path, for certainty its digest: "root-.npm-0123abcd".
std::string id_from_path(const std::string& path) {
    std::string slug;
    for (const char c : path.substr(1, k_longest_slug)) {
        slug += is_id_letter(c) ? c : '-';
    }
    slug.erase(0, slug.find_first_not_of('.'));
    constexpr size_t k_digits = 8;
    return slug + (slug.empty() ? "" : "-") + sha256_hex(path).substr(0, k_digits);
}

std::string checked_path(const std::string& text) {
    if (!text.starts_with('/')) {
        throw UsageError("cache '{}': the path in the image must start with '/'", text);
    }
    const std::vector<std::string> names = split(text, '/');
    if (std::ranges::find(names, "..") != names.end()) {
        throw UsageError("cache '{}': the path must not have '..'", text);
    }
    std::string normal;
    for (const std::string& name : names) {
        if (!name.empty() && name != ".") {
            normal.append("/").append(name);
        }
    }
    const bool own = normal.empty() || normal == "/tmp" || normal == "/run" ||
                     is_below(normal, "/dev") || is_below(normal, "/proc") ||
                     is_below(normal, "/sys") || is_below(normal, "/run/mstage");
    if (own) {
        throw UsageError("cache '{}': this is the sandbox's own", text);
    }
    return normal;
}

CacheSharing parse_sharing(const std::string& text, const std::string& word) {
    if (word == "shared") {
        return CacheSharing::shared;
    }
    if (word == "locked") {
        return CacheSharing::locked;
    }
    if (word == "private") {
        return CacheSharing::private_;
    }
    throw UsageError("cache '{}': sharing is 'shared', 'locked' or 'private', not '{}'", text,
                     word);
}

}  // namespace

void check_cache_id(const std::string& id) {
    const bool good = !id.empty() && id.size() <= k_longest_id && id.front() != '.' &&
                      std::ranges::all_of(id, is_id_letter);
    if (!good) {
        throw UsageError(
            "'{}' is no id of a cache: it has letters, digits, '.', '_' and '-', at most {} of "
            "them, and does not start with '.'",
            id, k_longest_id);
    }
}

Cache parse_cache(const std::string& text) {
    std::vector<std::string> words = split(text, ',');
    Cache cache;
    cache.path = checked_path(words.front());
    words.erase(words.begin());
    for (const std::string& word : words) {
        if (word.starts_with("sharing=")) {
            cache.sharing = parse_sharing(text, word.substr(8));
        } else if (word.starts_with("id=")) {
            cache.id = word.substr(3);
            check_cache_id(cache.id);
        } else {
            throw UsageError("cache '{}': '{}' is neither 'sharing=…' nor 'id=…'", text, word);
        }
    }
    if (cache.id.empty()) {
        cache.id = id_from_path(cache.path);
    }
    return cache;
}

std::vector<Cache> parse_caches(const std::vector<std::string>& texts) {
    std::vector<Cache> caches;
    for (const std::string& text : texts) {
        Cache cache = parse_cache(text);
        for (const Cache& other : caches) {
            if (other.path == cache.path) {
                throw UsageError("two caches at '{}'", cache.path);
            }
            if (other.id == cache.id) {
                throw UsageError("caches '{}' and '{}' have the same id '{}'", other.path,
                                 cache.path, cache.id);
            }
        }
        caches.push_back(std::move(cache));
    }
    std::ranges::sort(caches, {}, &Cache::path);
    return caches;
}

}  // namespace mstage::store
