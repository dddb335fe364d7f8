#pragma once

#include "sandbox/sandbox.hpp"
#include "sandbox/user.hpp"
#include "sandbox/user_namespace.hpp"
#include "source/input_changes.hpp"
#include "store/cache.hpp"
#include "store/ids.hpp"
#include "store/image.hpp"
#include "store/store.hpp"

/// The words that the engines share with those who use them; users of an engine need no other
/// header below it.
namespace mstage::engine {

using sandbox::check_secret_id;
using sandbox::check_user_text;
using sandbox::forbid_core_dumps;
using sandbox::k_longest_secret;
using sandbox::Network;
using sandbox::Outcome;
using sandbox::OutputSink;
using sandbox::Secret;
using sandbox::Stream;
using sandbox::Streams;
using sandbox::Unavailable;
using sandbox::Usage;
using store::Cache;
using store::CacheSharing;
using store::check_cache_id;
using store::Ground;
using store::Image;
using store::ImageConfig;
using store::ImageId;
using store::ImageState;
using store::parse_caches;
using store::Removal;
using store::RunId;
/// A file, directory or link of the source as a stage sees it.
using InputFile = source::Entry;
using InputType = source::EntryType;
using source::input_changes;
using source::InputChange;

/// Enters every stage key: a change here makes all images of earlier versions cache misses. Raise
/// it when the same key parts would give another result than before.
constexpr int k_format_version = 1;

}  // namespace mstage::engine
