// What is asked about contents that cannot be had yet: archived, closed by their scan, or waiting for their picture.

import { graphql } from "./gql";

export const FileStatus = graphql(`
  subscription FileStatus($id: ID!) {
    fileStatus(fileId: $id) { at file { ...ItemRow } }
  }
`);

export const ThumbnailHasten = graphql(`
  mutation ThumbnailHasten($input: ThumbnailHastenInput!) {
    thumbnailHasten(input: $input) { file { ...ItemRow } errors { code message path } }
  }
`);

export const StorageRestore = graphql(`
  mutation StorageRestore($input: StorageRestoreInput!) {
    storageRestore(input: $input) {
      version { id storage { tier restore restoredUntil restoreExpectedAt } file { ...ItemRow } }
      errors { code message path }
    }
  }
`);

export const QuarantineRelease = graphql(`
  mutation QuarantineRelease($input: QuarantineReleaseInput!) {
    quarantineRelease(input: $input) {
      file { ...ItemRow scan { release { by { id displayName } } } }
      errors { code message path }
    }
  }
`);

export const ExposureOf = graphql(`
  query ExposureOf($id: ID!) {
    exposure(fileId: $id) {
      version { id }
      readers { firstAt lastAt times shareLinkId user { id displayName email } }
    }
  }
`);

export const CostOf = graphql(`
  query CostOf($id: ID!, $months: Int!) {
    storageCost(itemId: $id, months: $months) {
      fileCount
      versionCount
      storedBytes
      isWhole
      pricesAsOf
      region
      month { ...TierCosts }
      monthInStandard { ...TierCosts }
      life { ...LineCosts }
      lifeInStandard { ...LineCosts }
    }
  }
  fragment TierCosts on Bill { totalUsd costTiers { tier usd } }
  fragment LineCosts on Bill { totalUsd costLines { line usd } }
`);

export const MonthOf = graphql(`
  query MonthOf($id: ID!) {
    storageCost(itemId: $id) { isWhole month { totalUsd } }
  }
`);
