# Adequacy of intake, and how much of one recalled day is usual intake, a second time and by other hands.
#
#   Rscript adequacy_reference.R RAW_DIR OUT_DIR
#
# RAW_DIR as for supplements_reference.R, whose derivations are used and added to; nothing of the Python code is. Shares
# are re-estimated without each PSU by survey::withReplicates. Writes adequacy_shares, adequacy_variances, adequacy_odds,
# recall_agreement, recall_slopes and recall_attenuation. Made with R 4.2.2, survey 4.1.1, foreign 0.8.84.

script_folder <- function() {
  script <- sub("^--file=", "", grep("^--file=", commandArgs(FALSE), value = TRUE))
  if (length(script)) dirname(script) else "."
}
source(file.path(script_folder(), "supplements_reference.R"))

SECOND_DAY <- list(tables = c(NA, NA, "DR2TOT_C"),
                   take = list(second_status = "DR2DRSTZ", two_day_weight = "WTDR2D", second_mg = "DR2TMAGN",
                               second_kcal = "DR2TKCAL"))

# Institute of Medicine 1997, mg/day: at 19 to 30 years, and from 31 on.
required <- function(people, men, women) {
  older <- people$age_years >= 31
  ifelse(people$sex == "male", ifelse(older, men[2], men[1]), ifelse(older, women[2], women[1]))
}

read_adequacy <- function(raw) {
  products <- read_products(raw)
  uses <- with_medians(do.call(rbind, lapply(CYCLES, read_uses, raw = raw, products = products)))
  people <- add_supplements(read_people(raw), uses)
  second <- read_source(raw, 2003, SECOND_DAY)
  people <- cbind(people, second[match(people$SEQN, second$SEQN), -1])
  people$weight <- study_weights(people, "dietary", CYCLES)
  people$ear <- required(people, c(330, 350), c(255, 265))
  people$rda <- required(people, c(400, 420), c(310, 320))
  recalled <- is_code(people$recall_status, 1) & !is.na(people$magnesium_mg)
  people$adult <- recalled & people$weight > 0 & people$age_years >= 20
  people$both_days <- recalled & people$cycle == 2003 & is_code(people$second_status, 1) & !is.na(people$second_mg) &
    !is.na(people$two_day_weight) & people$two_day_weight > 0
  people$cell <- paste(people$sex, findInterval(people$age_years, c(31, 51, 71)))
  people$cohort <- in_cohort(people, "strict", CYCLES, "")
  people
}

# ---- shares --------------------------------------------------------------------------------------------------------

mean_by <- function(x, weight, by) (tapply(weight * x, by, sum) / tapply(weight, by, sum))[by]

# Usual intake under any weights, with its variances by sex. Two-day weights change as those of the first day do.
usual_intakes <- function(weight, adults) {
  both <- adults$both_days
  first <- adults$magnesium_mg^0.25
  difference <- (first - adults$second_mg^0.25)[both]
  v <- (adults$two_day_weight * weight / adults$weight)[both]
  sex <- adults$sex[both]
  spread <- (difference - mean_by(difference, v, sex))^2
  within <- tapply(v * spread, sex, sum) / (2 * tapply(v, sex, sum))
  middle <- mean_by(first, weight, adults$cell)
  total <- tapply(weight * (first - middle)^2, adults$sex, sum) / tapply(weight, adults$sex, sum)
  reliability <- 1 - within / total
  reliability[reliability < 0] <- 0  # pmax() would drop the names
  z <- middle + sqrt(reliability[adults$sex]) * (first - middle)
  error <- within[adults$sex]
  list(usual = as.vector(z^4 + 6 * z^2 * error + 3 * error^2), within = within, total = total,
       reliability = reliability)
}

QUANTITIES <- c("day_ear", "day_rda", "day_mean", "usual_ear", "usual_rda", "usual_mean", "usual_total_ear")

groups_of <- function(adults) {
  sexes <- list(all = rep(TRUE, nrow(adults)), male = adults$sex == "male", female = adults$sex == "female")
  domains <- list(age20 = sexes$all, age40 = adults$age_years >= 40, cohort = adults$cohort)
  groups <- list()
  for (domain in names(domains)) for (sex in names(sexes)) {
    groups[[paste(domain, sex, "all")]] <- domains[[domain]] & sexes[[sex]]
  }
  ages <- c("20-30", "31-50", "51-70", "71+")[findInterval(adults$age_years, c(31, 51, 71)) + 1]
  for (sex in c("male", "female")) for (age in unique(sort(ages))) {
    groups[[paste("age20", sex, age)]] <- sexes[[sex]] & ages == age
  }
  groups
}

# Every quantity of every group in turn, then the variances by sex.
statistics_of <- function(weight, adults, groups) {
  found <- usual_intakes(weight, adults)
  columns <- cbind(adults$magnesium_mg < adults$ear, adults$magnesium_mg < adults$rda, adults$magnesium_mg,
                   found$usual < adults$ear, found$usual < adults$rda, found$usual,
                   found$usual + adults$magnesium_supplement_mg < adults$ear)
  of_group <- function(rows) {
    known <- !is.na(columns[rows, ])
    colSums(weight[rows] * columns[rows, ], na.rm = TRUE) / colSums(weight[rows] * known)
  }
  sexes <- c("male", "female")
  c(unlist(lapply(groups, of_group), use.names = FALSE), found$within[sexes], found$total[sexes],
    found$reliability[sexes])
}

shares_of <- function(people) {
  design <- svydesign(ids = ~psu, strata = ~strata, nest = TRUE, weights = ~weight, data = people)
  adults <- subset(as.svrepdesign(design, type = "JKn", mse = TRUE, compress = FALSE), adult)
  groups <- groups_of(adults$variables)
  found <- withReplicates(adults, function(weight, data) statistics_of(weight, data, groups))
  estimate <- coef(found)
  std_error <- SE(found)
  name <- do.call(rbind, strsplit(rep(names(groups), each = length(QUANTITIES)), " "))
  n <- unlist(lapply(groups, function(rows) {
    with(adults$variables, c(rep(sum(rows), length(QUANTITIES) - 1), sum(rows & !is.na(magnesium_supplement_mg))))
  }))
  df <- rep(vapply(groups, function(rows) degf(subset(design, adult)[rows, ]), 1), each = length(QUANTITIES))
  shown <- seq_len(nrow(name))
  tail <- matrix(seq(nrow(name) + 1, length(estimate)), nrow = 2)
  sexes <- c("male", "female")
  list(adequacy_shares = data.frame(domain = name[, 1], sex = name[, 2], ages = name[, 3], quantity = QUANTITIES, n, df,
                                    estimate = estimate[shown], std_error = std_error[shown]),
       adequacy_variances = data.frame(
         sex = sexes, n_both = as.vector(table(adults$variables$sex[adults$variables$both_days])[sexes]),
         within = estimate[tail[, 1]], within_std_error = std_error[tail[, 1]], total = estimate[tail[, 2]],
         reliability = estimate[tail[, 3]], reliability_std_error = std_error[tail[, 3]]))
}

# ---- neuropathy of low intakes -------------------------------------------------------------------------------------

LEFT_ARM <- 97:100

odds_of <- function(people, model) {
  people$below_ear <- (people$magnesium_mg < people$ear) + 0
  people$below_rda <- (people$magnesium_mg < people$rda) + 0
  covariates <- COVARIATES[[model]]
  row <- function(exposure, domain, fit, x, estimate, std_error, n_exposed) {
    df <- fit$df.residual
    half <- half_width(std_error, df)
    data.frame(exposure, model, x, n = nrow(domain), cases = sum(fit$y), n_exposed, df, estimate, std_error,
               p_value = 2 * pt(-abs(estimate / std_error), df), conf_low = exp(estimate - half),
               conf_high = exp(estimate + half))
  }
  below <- lapply(c("below_ear", "below_rda"), function(name) {
    domain <- study_domain(people, people$weight, "strict", people[c(name, covariates)], people$cohort)
    fit <- fit_domain(domain, "y", c(name, covariates))
    row(name, domain, fit, NA, coef(fit)[[name]], SE(fit)[[name]], sum(domain$variables[[name]]))
  })
  x <- people$magnesium_mg
  knots <- type_7(x[people$cohort], KNOT_PROBABILITIES[["4"]])
  spline <- spline_columns(x, knots, "x")
  domain <- study_domain(people, people$weight, "strict", cbind(spline, people[covariates]), people$cohort)
  fit <- fit_domain(domain, "y", c(colnames(spline), covariates))
  arm <- curve_rows("", fit, LEFT_ARM, knots, type_7(x[people$cohort], 0.5), "x")
  rbind(do.call(rbind, below), row("left_arm", domain, fit, LEFT_ARM, arm$log_or, arm$std_error, NA),
        row("slope_per_10_less", domain, fit, NA, -10 * coef(fit)[["x"]], 10 * SE(fit)[["x"]], NA))
}

# ---- recall error --------------------------------------------------------------------------------------------------

SCALES <- list(log_mg = function(mg, kcal) log(mg), mg = function(mg, kcal) mg,
               fourth_root_mg = function(mg, kcal) mg^0.25, log_kcal = function(mg, kcal) log(kcal),
               log_mg_per_kcal = function(mg, kcal) log(mg / kcal))

agreement_row <- function(people, domain, scale, adjusted, weighted) {
  v <- if (weighted) people$two_day_weight else rep(1, nrow(people))
  days <- cbind(SCALES[[scale]](people$magnesium_mg, people$energy_kcal),
                SCALES[[scale]](people$second_mg, people$second_kcal))
  if (adjusted) days <- residuals(lm(days ~ as.matrix(people[MODEL_1]), weights = v))
  moments <- cov.wt(days, wt = v / sum(v), method = "ML")$cov
  within <- (moments[1, 1] + moments[2, 2] - 2 * moments[1, 2]) / 2
  data.frame(domain, scale, adjusted, weighted, n = nrow(people), within, first = moments[1, 1], second = moments[2, 2],
             covariance = moments[1, 2], reliability = moments[1, 2] / moments[1, 1],
             icc = moments[1, 2] / (moments[1, 2] + within), correlation = cov2cor(moments)[1, 2])
}

agreement_of <- function(people) {
  amounts <- people[c("magnesium_mg", "second_mg", "energy_kcal", "second_kcal")]
  two <- people[people$both_days & complete.cases(amounts) & rowSums(amounts > 0, na.rm = TRUE) == 4, ]
  cohort <- two[two$cohort, ]
  do.call(rbind, lapply(names(SCALES), function(scale) {
    rbind(agreement_row(cohort, "cohort", scale, FALSE, TRUE), agreement_row(cohort, "cohort", scale, TRUE, TRUE),
          agreement_row(cohort, "cohort", scale, FALSE, FALSE),
          agreement_row(two[two$age_years >= 20, ], "age20", scale, FALSE, TRUE))
  }))
}

slope_row <- function(people, model, reliability) {
  eater <- people$cohort & people$magnesium_mg > 0
  people$log_mg <- ifelse(eater, log(pmax(people$magnesium_mg, 1e-300)), NA)
  terms <- c("log_mg", COVARIATES[[model]])
  domain <- study_domain(people, people$weight, "strict", people[terms], eater)
  fit <- fit_domain(domain, "y", terms)
  estimate <- coef(fit)[["log_mg"]]
  std_error <- SE(fit)[["log_mg"]]
  data.frame(model, n = nrow(domain), cases = sum(fit$y), df = fit$df.residual, estimate, std_error, reliability,
             corrected = estimate / reliability, corrected_se = std_error / reliability)
}

# How the second day goes with the first: attenuation of magnesium, alone and with energy, and of energy beside it.
attenuation_rows <- function(people) {
  weight <- ifelse(people$both_days & people$cohort, people$two_day_weight, 0)
  row <- function(second, own, exposures) {
    columns <- people[c(exposures, MODEL_1)]
    domain <- study_domain(people, weight, second, columns, people$cohort & people$both_days)
    fit <- svyglm(reformulate(names(columns), "y"), design = domain)
    half <- half_width(SE(fit)[[own]], degf(domain))
    data.frame(exposures = paste(exposures, collapse = " "), own, n = nrow(domain), df = degf(domain),
               attenuation = coef(fit)[[own]], conf_low = coef(fit)[[own]] - half, conf_high = coef(fit)[[own]] + half)
  }
  both <- c("magnesium_mg", "energy_kcal")
  rbind(row("second_mg", "magnesium_mg", "magnesium_mg"), row("second_mg", "magnesium_mg", both),
        row("second_kcal", "energy_kcal", both))
}

main_adequacy <- function(arguments) {
  if (length(arguments) != 2) stop("usage: Rscript adequacy_reference.R RAW_DIR OUT_DIR")
  people <- read_adequacy(arguments[1])
  tables <- shares_of(people)
  tables$adequacy_odds <- do.call(rbind, lapply(c("1", "2", "3"), odds_of, people = people))
  tables$recall_agreement <- agreement_of(people)
  chosen <- with(tables$recall_agreement, reliability[domain == "cohort" & scale == "log_mg" & adjusted])
  tables$recall_slopes <- do.call(rbind, lapply(c("1", "2"), slope_row, people = people, reliability = chosen))
  tables$recall_attenuation <- attenuation_rows(people)
  for (name in names(tables)) write_table(tables[[name]], arguments[2], name)
}

if (sys.nframe() == 0L) main_adequacy(commandArgs(TRUE))
