/**
 * What was observed on real systems: Online Boutique and Train Ticket (Nezha), Sock Shop (RCD), PetShop, GAIA. Measured on the public data sets by
 * scripts that are described with them; a range spans the systems.
 */

import { medianOf } from './statistics.ts'

export interface Range {
  readonly low: number
  readonly high: number
  readonly from: string
}

const range = (low: number, high: number, from: string): Range => ({ low, high, from })

export const observed = {
  'spans per trace, p50': range(47, 76, 'OB 48, TT 47-76'),
  'spans per trace, p90': range(62, 170, 'OB 62, TT 136-170'),
  'root duration ms, p50': range(120, 170, 'OB 123, TT 148-170'),
  'root duration ms, p90': range(350, 514, 'TT 350-394, OB 514'),
  'root duration ms, p99': range(660, 1_458, 'TT 663-785, OB 1458'),
  'operation sigma, median': range(0.3, 0.56, 'Nezha'),
  'operation sigma, p90': range(0.8, 1.2, 'Nezha'),
  'operation sigma, KS': range(0, 1, 'Nezha; against its 5 % limit'),
  'operation CV, median': range(0.5, 1.15, 'Nezha'),
  'operation CV, p90': range(1.2, 3.5, 'Nezha'),
  'edges per service': range(1.25, 2, 'OB 13/10, TT 42-53/25-28'),
  'hidden dependencies': range(0.15, 0.4, 'specification 5.2'),
  'CPU utilization, median': range(0.1, 0.4, 'services that run'),
  'CPU CV, median': range(0.13, 0.18, 'Sock Shop, 1 s'),
  'CPU lag-1, median': range(0.8, 0.88, 'Sock Shop, 1 s'),
  'latency lag-1, median': range(0.94, 0.97, 'Sock Shop, 1 s'),
  'latency CV, median': range(0.09, 0.29, 'PetShop'),
  'load CV': range(0.02, 0.17, 'Sock Shop, 1 s'),
  'CPU spikes, median': range(0, 0.004, 'Sock Shop, > 5 IQR'),
  'memory spikes, p95': range(0, 0.23, 'Sock Shop, > 5 IQR'),
  'CPU fault, CPU at root, median': range(2, 21, 'OB; TT 75-150'),
  'CPU fault, latency of users, median': range(0.95, 1.2, 'victims 1.0, p95 2.5'),
  'memory fault, memory at root, median': range(2.4, 16, 'Nezha'),
  'delay fault, end-to-end p90, median': range(1.4, 9, 'OB 1.6, TT 5.0'),
  'SLI latency effect, p10': range(1, 1.35, 'PetShop 1.2'),
  'SLI latency effect, median': range(1.2, 2.2, 'PetShop 1.5'),
  'SLI latency effect, p90': range(2, 9, 'PetShop 4.5'),
  'mild errors, availability': range(0.935, 0.993, 'PetShop'),
  'metric alerts per fault, median': range(10, 70, 'SockShop 24, Hotel 48, GAIA 46'),
  'trace alerts per fault, median': range(5, 40, 'SockShop 22, GAIA 13, Hotel 10'),
  'log alerts per fault, median': range(1, 40, 'SockShop 28, GAIA 20, Hotel 1'),
  'root emits an alert': range(0.87, 1, 'TVDiag'),
  'injections with SLI effect': range(0.15, 0.77, '15.6 % kept of 9,152; PetShop 52 of 68'),
} as const satisfies Readonly<Record<string, Range>>

export type Quantity = keyof typeof observed

export interface Finding extends Range {
  readonly quantity: Quantity
  /** Of several worlds, the median. */
  readonly value: number
  readonly least: number
  readonly most: number
  readonly isInside: boolean
}

export function finding(quantity: Quantity, ...values: readonly number[]): Finding {
  const of = observed[quantity]
  const value = medianOf(values)
  const isInside = value >= of.low && value <= of.high
  return { quantity, value, least: Math.min(...values), most: Math.max(...values), ...of, isInside }
}
