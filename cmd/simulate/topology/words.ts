/** What services, tables and endpoints are called. */
export const nouns: readonly string[] = `
account address alert archive asset audit basket billing booking bundle campaign card catalog channel checkin
claim cohort comment compliance consent content contract coupon credit crew customer delivery device discount
dispatch dispute document eligibility export feed forecast fraud fulfilment geo gift handover identity import
insight inventory invoice label lead ledger listing location loyalty mail manifest media menu message meter
metering notification offer onboarding order parcel partner passenger payment permission pickup policy
preference price product profile promotion provision quote rating recommendation refund reminder report
reservation return review reward risk roster route schedule scoring search seat session settlement shipping
slot sourcing statement stock subscription support survey tariff tax template ticket token translation trip
upload user vendor verification visit voucher waitlist wallet warehouse wishlist`
  .trim()
  .split(/\s+/)

export const verbs = ['Get', 'List', 'Create', 'Update', 'Check', 'Find', 'Cancel', 'Sync'] as const

/** Services of others, and of one's own that nobody dares to touch: no agent in either. */
export const outsiders = [
  'payment-provider',
  'geocoder',
  'mainframe',
  'mail-provider',
  'legacy-crm',
  'credit-bureau',
  'sms-gateway',
  'tax-authority',
] as const
