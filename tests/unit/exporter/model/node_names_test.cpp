#include "exporter/model/node_names.h"

#include <gtest/gtest.h>

#include <vector>

namespace upkeep {
namespace {

TEST(NodeNames, MayHaveADomainOrOtherCase) {
  EXPECT_TRUE(is_name_of(NodeName{"n2"}, NodeName{"n2"}));
  EXPECT_TRUE(is_name_of(NodeName{"n2"}, NodeName{"N2.example.com"}));
  EXPECT_TRUE(is_name_of(NodeName{"n2.example.com"}, NodeName{"n2"}));
  EXPECT_FALSE(is_name_of(NodeName{"n2"}, NodeName{"n1"}));
  EXPECT_FALSE(is_name_of(NodeName{"n2"}, NodeName{"n20.example.com"}));
  EXPECT_FALSE(is_name_of(NodeName{"n2.a.com"}, NodeName{"n2.b.com"}));
  EXPECT_FALSE(is_name_of(NodeName{""}, NodeName{".example.com"}));
}

TEST(NodeNames, AShortOneThatTwoShareIsNeithers) {
  const std::vector<NodeName> nodes{{"n2.a.com"}, {"n2.b.com"}, {"n3.a.com"}};
  EXPECT_EQ(only_one_called(NodeName{"n3"}, nodes), &nodes[2]);
  EXPECT_EQ(only_one_called(NodeName{"n2.b.com"}, nodes), &nodes[1]);
  EXPECT_EQ(only_one_called(NodeName{"n2"}, nodes), nullptr);
  EXPECT_EQ(only_one_called(NodeName{"n4"}, nodes), nullptr);
}

}  // namespace
}  // namespace upkeep
