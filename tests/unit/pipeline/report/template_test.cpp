#include "pipeline/report/template.hpp"

#include "pipeline/report/report_data.hpp"
#include "support.hpp"

namespace mstage::pipeline {
namespace {

using test::contains;

TEST(EscapeHtml, LeavesNothingThatMarkupIsMadeOf) {
    EXPECT_EQ(escape_html("<b a='1' c=\"2\">&amp;</b> ü"),
              "&lt;b a=&#39;1&#39; c=&quot;2&quot;&gt;&amp;amp;&lt;/b&gt; ü");
}

TEST(JsonForHtml, CannotEndOrCommentOutItsElement) {
    const Json json = {{"log", "</script><!--<script>alert(1)</script> ]]> &lt; \x1b[31m\x01\n"}};
    const std::string text = json_for_html(json);
    EXPECT_EQ(text.find_first_of("<>&\n\x1b\x01"), std::string::npos) << text;
    EXPECT_EQ(parse_json(text, "text"), json);
    EXPECT_EQ(parse_json(json_for_html({{"log", "\xff\xfe"}}), "text").at("log"),
              "\xef\xbf\xbd\xef\xbf\xbd");
}

TEST(ReportTemplate, NamesNothingOutsideOfThePage) {
    std::string all(report_template());
    all.append(report_style()).append(report_script());
    // The one address is the name of a namespace.
    const std::string name = "http://www.w3.org/2000/svg";
    all.replace(all.find(name), name.size(), "");
    for (const char* word : {"http:", "https:", "//cdn", "@import", "innerHTML", "outerHTML",
                             "insertAdjacentHTML", "document.write", "eval("}) {
        EXPECT_FALSE(contains(all, word)) << word;
    }
    EXPECT_TRUE(contains(all, "default-src 'none'"));
}

TEST(ReportPage, HasTheDataOnceAndTheTitleEscaped) {
    const Json data = {{"title", "a<b>\x07"}, {"mstage", "1.2.3"}, {"other", "{{style}}"}};
    const std::string page = report_page(data);
    EXPECT_TRUE(contains(page, "<title>a&lt;b&gt;\\x07</title>"));
    EXPECT_TRUE(contains(page, "content=\"mstage 1.2.3\""));
    EXPECT_TRUE(contains(page, json_for_html(data) + "</script>"));
    EXPECT_EQ(page, report_page(data)) << "the same data, the same page";
}

}  // namespace
}  // namespace mstage::pipeline
